"""What people see: steps as tables, graphs as pictures."""
