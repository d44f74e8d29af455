"""What imports cost, measured in fresh processes."""
