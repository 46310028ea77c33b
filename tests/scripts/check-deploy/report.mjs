// What every part prints: a line per check, and the number of failed ones as the exit code.
let failures = 0;

export function check(holds, what) {
  if (holds) {
    console.log(`ok: ${what}`);
  } else {
    failures++;
    console.log(`FAILED: ${what}`);
  }
}

// One line for a whole list: `ok` when it is empty, else the first of what is wrong.
export function none(wrong, what) {
  check(wrong.length === 0, wrong.length === 0 ? what : `${what}: ${wrong.slice(0, 5).join('; ')}`);
}

export function finish() {
  process.exitCode = Math.min(failures, 100);
}
