"""What killing each process of a cell costs those who use it at that moment."""
