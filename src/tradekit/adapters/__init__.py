"""The outside: files, exchanges, clocks, programs. May know the domain and libraries, and no other floor."""
