"""The engine `openai`: a language model on any server with OpenAI's chat completions API, asked over HTTP."""
