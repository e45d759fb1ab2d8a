// @vitest-environment jsdom
import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { beforeEach, expect, it } from 'vitest';

import messages from '../fixtures/messages.json';
import { Command, IRanking, IState } from '../src/messages';
import { Calls } from '../src/parts/calls';
import { Choosing } from '../src/parts/choosing';
import { Models } from '../src/parts/models';
import { Pins } from '../src/parts/pins';
import { Ranking } from '../src/parts/ranking';
import { Spend } from '../src/parts/spend';

(globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;

const HOSTILE = '<img src=x onerror="window.hit=1">\u202e</script><script>window.hit=1</script>';
const trans = nullTranslator.load('orch_nb');
const state: IState = messages.state.state;

let sent: Command[];
let part: { state: IState; send: (command: Command) => void; trans: typeof trans };

beforeEach(() => {
  sent = [];
  part = { state, send: command => sent.push(command), trans };
});

function draw(element: React.JSX.Element): HTMLElement {
  const node = document.createElement('div');
  document.body.append(node);
  act(() => createRoot(node).render(element));
  return node;
}

/** What a person does to a control, in React's words. */
function put(control: Element | null, value: string): void {
  const input = control as HTMLInputElement | HTMLSelectElement;
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input) as object, 'value')!;
  act(() => {
    set?.call(input, value);
    const type = input.tagName === 'SELECT' ? 'change' : 'input';
    input.dispatchEvent(new Event(type, { bubbles: true }));
  });
}

it('spend is known + estimated + up to unknown, with a bar', () => {
  const node = draw(<Spend {...part} />);
  expect(node.textContent).toContain('$0.013 + $0.0010 estimated + up to $0.020 unknown');
  expect(node.textContent).toContain('the cache saved $0.0040');
  const bar = node.querySelector('[role=meter]')!;
  expect(bar.getAttribute('aria-valuetext')).toBe('$0.034 / $1.00');
  expect(bar.querySelector<HTMLElement>('[data-kind=unknown]')?.style.width).toBe('2%');
});

it('a limit that is passed fills the bar, and no more', () => {
  const spend = { ...state.spend, limits: { ...state.spend.limits, session: 0 } };
  const bar = draw(<Spend {...part} state={{ ...state, spend }} />).querySelector('[role=meter]');
  expect(bar?.className).toContain('jp-mod-full');
  const widths = [...bar!.children].map(child => parseFloat((child as HTMLElement).style.width));
  expect(widths.reduce((sum, width) => sum + width)).toBeCloseTo(100);
});

it('a strategy and weights are sent', async () => {
  const node = draw(<Choosing {...part} />);
  put(node.querySelector('select'), 'cost');
  put(node.querySelector('[data-term=speed]'), '60');
  expect(node.textContent).toContain('60 %');
  await act(() => new Promise(resolve => setTimeout(resolve, 250)));
  expect(sent[0]).toEqual({ type: 'set', strategy: 'cost' });
  const weights = sent[1].type === 'set' ? sent[1].weights! : undefined;
  expect(weights?.speed).toBeCloseTo(0.6);
  expect(weights!.cost / weights!.quality).toBeCloseTo(5 / 3);
});

it('a model is switched', () => {
  const node = draw(<Models {...part} />);
  const toggles = node.querySelectorAll<HTMLInputElement>('[role=switch]');
  expect([...toggles].map(toggle => toggle.checked)).toEqual([true, false]);
  act(() => toggles[1].click());
  expect(sent).toEqual([messages.commands.switch]);
});

it('a tool is pinned, and its pin taken away', () => {
  const node = draw(<Pins {...part} />);
  put(node.querySelector('[type=search]'), 'LARGE');
  const select = node.querySelector('[data-tool=sql] select')!;
  expect([...select.children].map(option => (option as HTMLOptionElement).value)).toEqual([
    '',
    'alpha:small',
    'alpha:large'
  ]);
  put(select, 'alpha:large');
  put(select, '');
  expect(sent).toEqual([messages.commands.pin, messages.commands.unpin]);
});

it('a call leads to its cell', () => {
  const revealed: string[] = [];
  const node = draw(<Calls {...part} reveal={cell => revealed.push(cell)} />);
  const [first, second] = node.querySelectorAll('button');
  act(() => first.click());
  expect(revealed).toEqual(['a1b2c3d4']);
  expect(first.textContent).toContain('alpha:large (429) → alpha:small');
  expect(second.disabled).toBe(true);
  expect(second.textContent).toContain('AllFailed');
});

it('a ranking is shown with what is out of it', () => {
  const node = draw(<Ranking ranking={messages.ranking as IRanking} trans={trans} />);
  expect(node.textContent).toContain('alpha:small0.91 · $0.00010 · 0.8 s');
  expect(node.querySelector('details')?.textContent).toContain('alpha:large: switched off');
  expect(draw(<Ranking ranking={null} trans={trans} />).textContent).toContain('%%orch');
});

it('no text of a kernel becomes markup', () => {
  const text = JSON.stringify({ state, ranking: messages.ranking });
  const hostile = JSON.parse(
    text.replace(/"(alpha:[a-z]+|sql|vision|Name [^"]*|balanced|ok|AllFailed|[^"]*→[^"]*)"/g, () =>
      JSON.stringify(HOSTILE)
    )
  ) as { state: IState; ranking: IRanking };
  const node = draw(
    <>
      <Spend {...part} state={hostile.state} />
      <Choosing {...part} state={hostile.state} />
      <Calls {...part} state={hostile.state} reveal={() => undefined} />
      <Models {...part} state={{ ...hostile.state, models: hostile.state.models.slice(1) }} />
      <Pins
        {...part}
        state={{
          ...hostile.state,
          models: hostile.state.models.slice(1),
          tools: hostile.state.tools.slice(1)
        }}
      />
      <Ranking ranking={hostile.ranking} trans={trans} />
    </>
  );
  expect(node.querySelectorAll('img, script')).toHaveLength(0);
  expect((window as unknown as Record<string, unknown>).hit).toBeUndefined();
  expect(node.textContent).toContain('<img src=x');
  expect(node.textContent).not.toContain('\u202e');
});
