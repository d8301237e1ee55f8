"""What a model is shown: rows, text, and the rules that keep them safe and small."""
