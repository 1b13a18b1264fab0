// Records from the microphone, and measures the level.

const MIME_TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // that the API reads
const BITS_PER_SECOND = 48_000;
const CHUNK_MS = 1000; // of audio that the browser hands out at a time
const SILENCE_DB = -60; // the level that counts as silence
const REASON_KEYS = { NotAllowedError: "mic_denied", NotFoundError: "mic_none", NotReadableError: "mic_busy" };

/** The microphone cannot be used; `reason` is the key of the text that says why. */
export class NoMicrophone extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class Recorder {
  #stream = null;
  #recorder = null;
  #context = null;
  #analyser = null;
  #chunks = [];
  #startedMs = 0;

  /** Ask for the microphone and start; each second `onChunk` gets all recorded so far. Throws NoMicrophone. */
  async start(onChunk) {
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) throw new NoMicrophone("mic_insecure");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
      });
    } catch (error) {
      throw new NoMicrophone(REASON_KEYS[error.name] ?? "mic_failed");
    }
    this.#chunks = [];
    this.#context = new AudioContext();
    this.#context.resume(); // some browsers create it suspended
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(this.#stream).connect(this.#analyser);
    const mimeType = MIME_TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(this.#stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => {
      this.#chunks.push(data);
      if (this.#recorder.state === "recording") onChunk(this.#capture(this.seconds));
    });
    this.#recorder.start(CHUNK_MS);
    this.#startedMs = performance.now();
  }

  get seconds() {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** The current level from 0 (silence, SILENCE_DB) to 1 (full scale, 0 dB), linear in decibels. */
  level() {
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const decibels = 10 * Math.log10(power + 1e-10);
    return Math.min(1, Math.max(0, 1 - decibels / SILENCE_DB));
  }

  /** Stop; the recording, {recording, name, seconds}. */
  async stop() {
    const seconds = this.seconds;
    const stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve, { once: true }));
    this.#recorder.stop();
    await stopped;
    this.#release();
    return this.#capture(seconds);
  }

  #capture(seconds) {
    const type = this.#recorder.mimeType.split(";")[0];
    return { recording: new Blob(this.#chunks, { type }), name: `recording.${type.split("/")[1]}`, seconds };
  }

  /** Stop without keeping the recording. */
  cancel() {
    this.#recorder.stop();
    this.#release();
  }

  #release() {
    this.#stream.getTracks().forEach((track) => track.stop());
    this.#context.close();
  }
}
