"""Questions with exact answers, and the forms that they are written in."""
