// Cuts a piece out of a recording, so that it can be played alone, whatever format the browser recorded.

const RATE_HZ = 24_000;
const MARGIN_S = 0.1; // before and after a piece: the times of words are rough
const HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;
const FULL_SCALE = 32_767;

/**
 * The piece from `start` to `end` seconds, and a little more, as a WAV file. Throws EncodingError for what the browser
 * cannot decode.
 */
export async function cutClip(recording, start, end) {
  const decoded = await new OfflineAudioContext(1, 1, RATE_HZ).decodeAudioData(await recording.arrayBuffer());
  const first = Math.max(0, Math.floor((start - MARGIN_S) * RATE_HZ));
  return toWav(decoded.getChannelData(0).subarray(first, Math.ceil((end + MARGIN_S) * RATE_HZ)));
}

/** Samples from -1 to 1 as a WAV file of 16 bits. */
function toWav(samples) {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + SAMPLE_BYTES * samples.length));
  const write = (offset, text) => [...text].forEach((char, index) => view.setUint8(offset + index, char.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format that follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, SAMPLE_BYTES * RATE_HZ, true);
  view.setUint16(32, SAMPLE_BYTES, true);
  view.setUint16(34, 8 * SAMPLE_BYTES, true);
  write(36, "data");
  view.setUint32(40, SAMPLE_BYTES * samples.length, true);
  samples.forEach((sample, index) => {
    const limited = Math.min(1, Math.max(-1, sample));
    view.setInt16(HEADER_BYTES + SAMPLE_BYTES * index, FULL_SCALE * limited, true);
  });
  return new Blob([view], { type: "audio/wav" });
}
