"""What is wrong with this installation, and what to tell those who could mend it; for the window and the terminal."""
