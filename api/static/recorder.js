// The microphone: records what is said, and shows how loud it is.

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // what browsers write and the API reads
const BITS_PER_SECOND = 48_000;
const PIECE_MS = 1000; // milliseconds after which what was said is handed out
const REASONS = { NotAllowedError: "mic_denied", NotFoundError: "mic_none", NotReadableError: "mic_busy" };

/** There is no microphone to hear; `reason` is a key of the page's words. */
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
  #pieces = [];
  #begun = 0;

  /** Ask for the microphone and begin; `keep` is given what was recorded so far, again and again. Raises NoMicrophone. */
  async start(keep) {
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) throw new NoMicrophone("mic_insecure");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
    } catch (error) {
      throw new NoMicrophone(REASONS[error.name] ?? "mic_failed");
    }
    this.#pieces = [];
    this.#context = new AudioContext();
    this.#context.resume(); // some browsers let it sleep
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(this.#stream).connect(this.#analyser);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(this.#stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => {
      this.#pieces.push(data);
      if (this.#recorder.state === "recording") keep(this.#recorded(this.seconds));
    });
    this.#recorder.start(PIECE_MS);
    this.#begun = performance.now();
  }

  get seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  /** How loud it is now: 0 for silence, 1 for the loudest. On a scale of decibels, as ears have it. */
  level() {
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    return Math.min(1, Math.max(0, (10 * Math.log10(power + 1e-10) + 60) / 60));
  }

  /** Stop; what was recorded, {recording, name, seconds}. */
  async stop() {
    const seconds = this.seconds;
    const done = new Promise((resolve) => this.#recorder.addEventListener("stop", resolve, { once: true }));
    this.#recorder.stop();
    await done;
    this.#letGo();
    return this.#recorded(seconds);
  }

  #recorded(seconds) {
    const type = this.#recorder.mimeType.split(";")[0];
    return { recording: new Blob(this.#pieces, { type }), name: `recording.${type.split("/")[1]}`, seconds };
  }

  /** Stop, and forget it. */
  cancel() {
    this.#recorder.stop();
    this.#letGo();
  }

  #letGo() {
    this.#stream.getTracks().forEach((track) => track.stop());
    this.#context.close();
  }
}
