"""What takes long when it is run whole: many rows, and processes that are killed. The suite runs it small."""
