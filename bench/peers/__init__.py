"""What Rowgate is measured beside, as its users would write it."""
