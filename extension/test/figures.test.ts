import { expect, it } from 'vitest';

import { dollars, seconds } from '../src/figures';
import { visible } from '../src/visible';

it('dollars are those of the package', () => {
  const rows: [number | null, string][] = [
    [null, '—'],
    [NaN, '—'],
    [0, '$0'],
    [0.0000048, '$0.0000048'],
    [0.0125, '$0.013'],
    [0.05, '$0.050'],
    [0.999, '$1.00'],
    [1.5, '$1.50'],
    [1234.567, '$1234.57']
  ];
  for (const [amount, text] of rows) {
    expect(dollars(amount)).toBe(text);
  }
});

it('seconds are those of the package', () => {
  expect([null, 0, 0.04, 0.84, 9.94, 9.96, 61.2].map(seconds)).toEqual([
    '—',
    '0 s',
    '<0.1 s',
    '0.8 s',
    '9.9 s',
    '10 s',
    '61 s'
  ]);
});

it('nothing is hidden in a text', () => {
  expect(visible('a\u202eb\u200b\x1b[31m\x00é漢😀\t\n')).toBe(
    'a\\u202eb\\u200b\\x1b[31m\\x00é漢😀\t\n'
  );
  expect(visible('<b>&amp;')).toBe('<b>&amp;');
});
