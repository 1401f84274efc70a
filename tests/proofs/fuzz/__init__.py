"""What strangers, peers and programs may send, drawn at random, and what reads it: nothing of it may surprise its reader."""
