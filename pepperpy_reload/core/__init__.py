"""Decisions: values in, values out. No I/O, no clock, no threads, no import machinery."""
