// Draws the level of a recording as bars that move to the left.

const BAR_PX = 6; // of the canvas, from one bar to the next
const GAP_PX = 2;
const MIN_HEIGHT_PX = 4;

/** Draw the latest `levels`, each from 0 to 1, the newest at the right. */
export function drawLevels(canvas, levels) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  levels.slice(-width / BAR_PX).forEach((level, index, bars) => {
    const barHeight = Math.max(MIN_HEIGHT_PX, level * height);
    context.beginPath();
    context.roundRect(
      width - (bars.length - index) * BAR_PX,
      (height - barHeight) / 2,
      BAR_PX - GAP_PX,
      barHeight,
      GAP_PX,
    );
    context.fill();
  });
}
