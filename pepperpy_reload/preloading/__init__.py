"""Third-party modules imported ahead, in a process whose forks are workers: found out, held, and handed out."""
