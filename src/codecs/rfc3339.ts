/** Moments as RFC 3339 text: written in UTC to the millisecond, read in every form that it allows. */

const YEAR_1_MS = -62_135_596_800_000;
const YEAR_10000_MS = 253_402_300_800_000;
const SECOND_MS = 1_000;

const MILLIS = Array.from({ length: SECOND_MS }, (_, ms) => `${String(ms).padStart(3, "0")}Z`);
const MILLIS_BY_TEXT: ReadonlyMap<string, number> = new Map(MILLIS.map((text, ms) => [text, ms]));

// Messages of one second come together, and formatting or parsing a date costs as much as the rest of
// an envelope. Commands have two, their time and their expiry, so the last two are kept. This is a
// memory of results, not a state: it changes no answer.
let lastSecond = 0;
let lastPrefix = "1970-01-01T00:00:00.";
let otherSecond = 0;
let otherPrefix = lastPrefix;

/** Whether the moment can be written: whole milliseconds in the years 1 to 9999. */
export function isWritableTime(ms: number): boolean {
  return Number.isInteger(ms) && ms >= YEAR_1_MS && ms < YEAR_10000_MS;
}

/** `2026-01-31T09:05:00.000Z`. The moment must be writable. */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / SECOND_MS);
  remember(second);
  return lastPrefix + MILLIS[ms - second * SECOND_MS]!;
}

function remember(second: number): void {
  if (second === lastSecond) return;
  const known = second === otherSecond;
  const prefix = known ? otherPrefix : new Date(second * SECOND_MS).toISOString().slice(0, 20);
  otherSecond = lastSecond;
  otherPrefix = lastPrefix;
  lastSecond = second;
  lastPrefix = prefix;
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * The moment in milliseconds since 1970, or undefined where the text is no RFC 3339 moment. Finer
 * fractions are cut, a leap second is the first moment of the next minute.
 */
export function parseTime(text: string): number | undefined {
  if (text.length === 24) {
    const second = text.startsWith(lastPrefix)
      ? lastSecond
      : text.startsWith(otherPrefix)
        ? otherSecond
        : undefined;
    const ms = second === undefined ? undefined : MILLIS_BY_TEXT.get(text.slice(20));
    if (second !== undefined && ms !== undefined) return second * SECOND_MS + ms;
  }
  const ms = parseAny(text);
  if (ms !== undefined) remember(Math.floor(ms / SECOND_MS));
  return ms;
}

function parseAny(text: string): number | undefined {
  const parts = RFC_3339.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour, offsetMinute] =
    parts;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // A day that its month does not have becomes one of the next month, or no date at all.
  if (midnight.getUTCDate() !== Number(day)) return undefined;
  let ms = midnight.getTime();
  ms += Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * SECOND_MS;
  ms += Number(fraction.slice(0, 3).padEnd(3, "0"));
  if (sign !== undefined) {
    if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;
    const offsetMs = Number(offsetHour) * 3_600_000 + Number(offsetMinute) * 60_000;
    ms += sign === "+" ? -offsetMs : offsetMs;
  }
  return isWritableTime(ms) ? ms : undefined;
}
