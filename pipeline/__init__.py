"""What every process shares: settings, errors, job records, blobs, audio, models. Light: no torch, no Flask."""
