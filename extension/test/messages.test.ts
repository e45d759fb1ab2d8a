import { describe, expect, it } from 'vitest';

import messages from '../fixtures/messages.json';
import { Command, readPush } from '../src/messages';

describe('what a kernel pushes', () => {
  it('is read as it is', () => {
    for (const push of [messages.state, messages.ranking, messages.error]) {
      expect(readPush(push)).toBe(push);
    }
  });

  it('is left alone where it is something else', () => {
    const { state } = messages.state;
    for (const data of [
      undefined,
      'state',
      [messages.state],
      { type: 'hello' },
      { type: 'error' },
      { ...messages.state, state: null },
      { ...messages.state, state: { ...state, models: {} } },
      { ...messages.state, state: { ...state, spend: { ...state.spend, limits: null } } },
      { ...messages.ranking, rows: null }
    ]) {
      expect(readPush(data)).toBeNull();
    }
  });

  it('is told apart by its version', () => {
    expect(readPush({ type: 'state', version: 2, state: 'of another form' })).toMatchObject({
      version: 2
    });
  });
});

it('commands are those of the fixture', () => {
  const commands: Record<keyof typeof messages.commands, Command> = {
    hello: { type: 'hello' },
    weights: { type: 'set', weights: { cost: 0.6, quality: 0.3, speed: 0.1 } },
    strategy: { type: 'set', strategy: 'cost' },
    pin: { type: 'pin', tool: 'sql', model: 'alpha:large' },
    unpin: { type: 'pin', tool: 'sql', model: null },
    switch: { type: 'switch', name: 'alpha:large', on: true },
    rank: { type: 'rank', request: 7, line: '%%orch --local', prompt: 'Name a sea' },
    refresh: { type: 'refresh' },
    stop: { type: 'stop' }
  };
  expect(commands).toEqual(messages.commands);
});
