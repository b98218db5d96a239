"""What a load will take, as pure functions of a header, the options and the memory there is."""
