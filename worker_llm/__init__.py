"""What was heard in, the teacher's feedback out."""
