/** Dollars and seconds as people read them: the same words as the package's own. */

/** Two significant digits below a dollar, cents above; a dash for unknown. */
export function dollars(amount: number | null): string {
  if (amount === null || !Number.isFinite(amount)) {
    return '—';
  }
  if (amount === 0) {
    return '$0';
  }
  const rounded = Number(amount.toPrecision(2));
  const digits = Math.abs(rounded) >= 1 ? 2 : 1 - Math.floor(Math.log10(Math.abs(rounded)));
  return `$${amount.toFixed(Math.min(digits, 20))}`;
}

/** One decimal below ten seconds, none above; a dash for unknown. */
export function seconds(time: number | null): string {
  if (time === null || !Number.isFinite(time)) {
    return '—';
  }
  if (time < 0.05) {
    return time > 0 ? '<0.1 s' : '0 s';
  }
  return time < 9.95 ? `${time.toFixed(1)} s` : `${time.toFixed(0)} s`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
