"""The engine "bark": Suno's Bark, run by our own generation loop over the sub-models of transformers."""
