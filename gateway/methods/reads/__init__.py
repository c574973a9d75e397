"""Methods that read: Get, List, Count, BatchGet, Stream, and what they share."""
