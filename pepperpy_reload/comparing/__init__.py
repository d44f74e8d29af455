"""What a process holds, as a graph of plain values that can be compared with that of another process."""
