// How loud it was, as bars that wander to the left.

const BAR = 6; // pixels of the canvas from one level to the next

/** Draw the latest `levels`, each from 0 to 1, the newest at the right. */
export function drawLevels(canvas, levels) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  levels.slice(-width / BAR).forEach((level, index, shown) => {
    const tall = Math.max(4, level * height);
    pen.beginPath();
    pen.roundRect(width - (shown.length - index) * BAR, (height - tall) / 2, BAR - 2, tall, 2);
    pen.fill();
  });
}
