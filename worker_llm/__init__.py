"""Language model: what was heard in, the teacher's feedback out; or a chat in, its completion out."""
