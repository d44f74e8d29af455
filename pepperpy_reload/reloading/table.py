"""The code of a module's statements, each as it is compiled alone."""

from __future__ import annotations
import __future__

import ast
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType

from pepperpy_reload.core.computing import is_plain
from pepperpy_reload.core.statement import first_line
from pepperpy_reload.core.unit import Unit

_plain: dict[str, Known] = {}
"""By file: plain statements of it that were compiled alone."""
FUTURES = 0
for _name in __future__.all_feature_names:
    FUTURES |= getattr(__future__, _name).compiler_flag


@dataclass(slots=True)
class Known:
    """Codes of statements of a module, by what is said in them and where: of its version now, and the one before.

    What no version says any more is forgotten: a program that is edited all day holds no more of them.
    """

    version: CodeType
    now: dict[object, CodeType] = field(default_factory=dict)
    before: dict[object, CodeType] = field(default_factory=dict)

    def get(self, key: object) -> CodeType | None:
        """The code of one of them."""
        if key in self.before:
            self.now[key] = self.before.pop(key)
        return self.now.get(key)


class Table:
    """The code objects nested in a compiled module, for statements that are compiled alone.

    The compiler makes other bytecode of a function when it does not see the whole module: only the outer shell of a
    statement is compiled alone, its functions are those of the module.
    """

    def __init__(self, code: CodeType) -> None:
        self.flags = code.co_flags & FUTURES
        self._code = code

    @property
    def postpones_annotations(self) -> bool:
        """Whether annotations of the module stay text (PEP 563)."""
        return bool(self.flags & __future__.annotations.compiler_flag)

    @cached_property
    def _codes(self) -> dict[tuple[str, int], list[CodeType]]:
        found: dict[tuple[str, int], list[CodeType]] = {}
        waiting = [self._code]
        while waiting:
            for constant in waiting.pop().co_consts:
                if isinstance(constant, CodeType):
                    found.setdefault((constant.co_qualname, constant.co_firstlineno), []).append(constant)
                    waiting.append(constant)
        return found

    def compile(self, unit: Unit, path: str) -> CodeType:
        """The code of one statement."""
        one = unit.statement
        # They are executed again whenever what they name is: with no function in it, a code depends on no other.
        known = unit.alias is not None or is_plain(unit)
        codes = self._known(path) if known else None
        key = (self.flags, one.text, one.guards, one.line, one.last_line, one.columns)
        if codes is not None and (code := codes.get(key)):
            return code
        outline = one.outline if self._is_of_module(one.name, one.line) else None
        node = outline if outline is not None and not _has_type_params(outline) else self._without_body(one.node)
        code = self._graft(compile(ast.Module([node], []), path, "exec", flags=self.flags, dont_inherit=True))
        if codes is not None:
            codes.now[key] = code
        return code

    def _known(self, path: str) -> Known:
        codes = _plain.get(path)
        if codes is None or codes.version is not self._code:
            codes = _plain[path] = Known(self._code, before=codes.now if codes else {})
        return codes

    def _without_body(self, node: ast.stmt) -> ast.stmt:
        """A definition of which all but the head is known: its code is that of the module."""
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return node
        if _has_type_params(node) or not self._is_of_module(node.name, first_line(node)):
            return node
        fields = {name: getattr(node, name) for name in node._fields}
        fields["body"] = [ast.copy_location(ast.Pass(), node.body[0])]
        return ast.copy_location(type(node)(**fields), node)

    def _is_of_module(self, name: str, line: int) -> bool:
        """Whether one definition of that name begins in a line, so that its code is known."""
        return len(self._codes.get((name, line), ())) == 1

    def _graft(self, shell: CodeType) -> CodeType:
        constants = tuple(self._own(item) if isinstance(item, CodeType) else item for item in shell.co_consts)
        return shell.replace(co_consts=constants)

    def _own(self, code: CodeType) -> CodeType:
        found = self._codes.get((code.co_qualname, code.co_firstlineno), [])
        exact = [one for one in found if one.co_linetable == code.co_linetable]
        return (exact or found or [code])[0]


def _has_type_params(node: ast.stmt) -> bool:
    return bool(getattr(node, "type_params", ()))
