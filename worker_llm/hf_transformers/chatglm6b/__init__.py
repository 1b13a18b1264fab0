"""ChatGLM-6B (Zhipu AI and Tsinghua University, March 2023) on today's transformers: docs/decisions/0014 says why.

Our own code, written after the published facts of the model. The Python files in its folder are never run.
"""
