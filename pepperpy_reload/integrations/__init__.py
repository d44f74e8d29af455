"""Other people's programs in which reloads happen: consoles. Each imports its framework only when it is asked for."""
