"""The risk desk: what is exposed, the rules that bind an order, and the judge who applies them in order."""
