"""One leaf of a text: laid out, painted, and what is under the pointer."""
