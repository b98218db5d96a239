"""What if I loaded this: header, memory and estimate brought together, before anything is loaded."""
