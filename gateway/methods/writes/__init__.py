"""Methods that write one row, or a batch of them, and the frame of a write, which they share."""
