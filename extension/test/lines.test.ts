import { describe, expect, it } from 'vitest';

import { replaceSource } from '../src/editing';
import { getOption, readCell, setOption, toggle } from '../src/lines';

const MODEL = ['--model', '-m'];

describe('readCell', () => {
  it('knows the three magics, and no other', () => {
    expect(readCell('%%orch --local\nName\na sea')).toEqual({
      magic: '%%orch',
      line: '%%orch --local',
      prompt: 'Name\na sea'
    });
    expect(readCell('\n\n  %%orch_select\nx')?.magic).toBe('%%orch_select');
    expect(readCell('%%orch_pipeline\nx')?.magic).toBe('%%orch_pipeline');
    for (const source of [
      '',
      'x\n%%orch',
      '%%orchestra\nx',
      '%orch x',
      '%%orch_run x',
      '%%orch-x'
    ]) {
      expect(readCell(source)).toBeNull();
    }
  });
});

describe('toggle', () => {
  it('goes there and back', () => {
    expect(toggle('Name a sea')).toBe('%%orch\nName a sea');
    expect(toggle(toggle('Name a sea\n\nor two'))).toBe('Name a sea\n\nor two');
    expect(toggle('%%orch --local -m a:b\nName a sea')).toBe('Name a sea');
    expect(toggle('')).toBe('%%orch\n');
    expect(toggle('%%orch')).toBe('');
  });
});

describe('setOption', () => {
  it('writes behind the magic', () => {
    expect(setOption('%%orch\nx', MODEL, 'a:b')).toBe('%%orch --model a:b\nx');
    expect(setOption('%%orch --local\nx', MODEL, 'a:b')).toBe('%%orch --model a:b --local\nx');
    expect(setOption('%%orch', MODEL, 'a:b')).toBe('%%orch --model a:b');
    expect(setOption('x', MODEL, 'a:b')).toBe('%%orch --model a:b\nx');
  });

  it.each(['-m c:d', '--model c:d', '--model=c:d', '-m=c:d', '-m "c d"', "--model 'c d'"])(
    'replaces %s',
    written => {
      const source = `%%orch --local ${written} --seed 1\nx -m y`;
      expect(setOption(source, MODEL, 'a:b')).toBe('%%orch --model a:b --local --seed 1\nx -m y');
      expect(setOption(source, MODEL, null)).toBe('%%orch --local --seed 1\nx -m y');
    }
  );

  it('leaves the prompt alone', () => {
    const source = '%%orch --local -- -m is a flag\nx';
    expect(setOption(source, MODEL, null)).toBe(source);
    expect(setOption('x = 1', MODEL, null)).toBe('x = 1');
    expect(setOption('%%orch Explain this word -m here\nx', MODEL, null)).toContain('-m here');
  });

  it('quotes what is more than a word, and keeps it on its line', () => {
    for (const value of ['a b', 'say "no"', 'back\\slash', "it's", 'a:b:c', '$(x)', 'x; y']) {
      const source = setOption('%%orch --local\nx', MODEL, value);
      expect(source.split('\n')).toHaveLength(2);
      expect(getOption(source, MODEL)).toBe(value);
      expect(setOption(source, MODEL, null)).toBe('%%orch --local\nx');
    }
    expect(setOption('%%orch\nx', MODEL, 'a\nimport os')).toBe('%%orch --model "a import os"\nx');
  });
});

it('getOption finds either spelling', () => {
  expect(getOption('%%orch --compare 3\nx', ['--compare'])).toBe('3');
  expect(getOption('%%orch -m "a b" -o r\nx', MODEL)).toBe('a b');
  expect(getOption('%%orch -o r\nx -m y', MODEL)).toBeNull();
});

it('replaceSource writes only what differs', () => {
  for (const [before, after] of [
    ['Name a sea', '%%orch\nName a sea'],
    ['%%orch\n%%orch\n', '%%orch\n'],
    ['aaa', 'aa'],
    ['', 'x'],
    ['abc', 'abc']
  ]) {
    const writes: [number, number, string][] = [];
    const text = {
      getSource: () => before,
      updateSource: (start: number, end: number, value = '') => writes.push([start, end, value])
    };
    replaceSource(text, after);
    const written = writes.reduce(
      (source, [start, end, value]) => source.slice(0, start) + value + source.slice(end),
      before
    );
    expect(written).toBe(after);
    expect(writes.length).toBe(before === after ? 0 : 1);
  }
});
