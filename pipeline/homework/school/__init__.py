"""What the systems of schools, Moodle and Canvas, give to a teacher and take back: names of files, grading sheets."""
