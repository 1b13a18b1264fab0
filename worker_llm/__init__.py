"""The language model's worker: gives the teacher's feedback on a transcript, or continues a chat."""
