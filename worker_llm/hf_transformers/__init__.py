"""The engine `transformers`: any chat model in a folder, through the library of that name, with continuous batching."""
