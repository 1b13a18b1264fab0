"""What every process shares: settings, errors, job records, blobs, audio, models. Light: no torch, no Flask."""

import os

# Some libraries report their use to their makers. These variables turn that off, and must be set before their import.
os.environ.update(
    {
        "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime sends events to Microsoft and writes an id of the device
        "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub and transformers
        "DO_NOT_TRACK": "1",  # the general wish, which more and more libraries heed
    }
)
