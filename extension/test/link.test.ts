import { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { beforeEach, describe, expect, it } from 'vitest';

import messages from '../fixtures/messages.json';
import { KernelLink } from '../src/kernel';
import { Command, Push } from '../src/messages';

const STATE = 'orch_nb.state';

/** One end of a comm, as JupyterLab has it. */
class Comm {
  isDisposed = false;
  sent: Command[] = [];
  onMsg: (message: object) => void = () => undefined;
  onClose: (message: object) => void = () => undefined;
  constructor(
    readonly target: string,
    readonly commId = ''
  ) {}
  open(data: Command): void {
    this.sent.push(data);
  }
  send(data: Command): void {
    this.sent.push(data);
  }
  push(data: unknown): void {
    this.onMsg({ content: { data } });
  }
  dispose(): void {
    this.isDisposed = true;
  }
}

/** A kernel, as far as a link asks for one. */
class Kernel {
  handleComms = true;
  supportsSubshells = false;
  comms: Comm[] = [];
  /** comms that the kernel opened while nobody listened */
  earlier: string[] = [];
  code: string[] = [];
  language = 'python';
  targets: Record<string, (comm: Comm, message: object) => void> = {};
  get info(): Promise<object> {
    return Promise.resolve({ language_info: { name: this.language } });
  }
  registerCommTarget(name: string, opened: (comm: Comm, message: object) => void): void {
    this.targets[name] = opened;
  }
  requestCommInfo(): Promise<object> {
    const comms = Object.fromEntries(this.earlier.map(id => [id, { target_name: STATE }]));
    return Promise.resolve({ content: { status: 'ok', comms } });
  }
  hasComm(id: string): boolean {
    return this.comms.some(comm => comm.commId === id);
  }
  createComm(target: string, id?: string): Comm {
    this.comms.push(new Comm(target, id));
    return this.comms[this.comms.length - 1];
  }
  requestExecute({ code }: { code: string }): void {
    this.code.push(code);
  }
  /** `%load_ext orch_nb` */
  load(): Comm {
    const comm = new Comm(STATE);
    this.targets[STATE](comm, { content: { data: { type: 'hello' } } });
    return comm;
  }
  /** What was sent to it on all comms. */
  get heard(): Command[] {
    return this.comms.flatMap(comm => comm.sent);
  }
}

class Context {
  session: { kernel: Kernel } | null = null;
  ready = Promise.resolve();
  kernelChanged = new Signal<this, void>(this);
  statusChanged = new Signal<this, string>(this);
  connectionStatusChanged = new Signal<this, string>(this);
  async start(kernel: Kernel): Promise<void> {
    this.session = { kernel };
    this.kernelChanged.emit();
    await settle();
  }
}

const settle = () => new Promise(resolve => setTimeout(resolve));

let context: Context;
let kernel: Kernel;
let link: KernelLink;
let pushes: (Push | null)[];
let wishes: { autoload: boolean; strategy: string };

beforeEach(() => {
  context = new Context();
  kernel = new Kernel();
  wishes = { autoload: false, strategy: '' };
  link = new KernelLink(context as unknown as ISessionContext, () => wishes);
  pushes = [];
  link.pushed.connect((_, push) => pushes.push(push));
});

describe('a kernel without the package', () => {
  it('hears nothing', async () => {
    await context.start(kernel);
    link.send({ type: 'stop' });
    expect(link.phase).toBe('waiting');
    expect([kernel.heard, kernel.code]).toEqual([[], []]);
  });

  it('is asked to load it where the user wants that, and it speaks Python', async () => {
    wishes.autoload = true;
    await context.start(kernel);
    expect(kernel.code).toHaveLength(1);
    const other = new Kernel();
    other.language = 'R';
    await context.start(other);
    expect(other.code).toEqual([]);
  });
});

describe('a kernel that loads the package', () => {
  it('is linked', async () => {
    await context.start(kernel);
    const comm = kernel.load();
    await settle();
    expect(kernel.heard).toEqual([{ type: 'hello' }]);
    comm.push(messages.state);
    expect(link.phase).toBe('linked');
    expect(link.state).toBe(messages.state.state);
    expect(pushes.at(-1)).toBe(messages.state);
    link.send({ type: 'stop' });
    expect(kernel.heard.at(-1)).toEqual({ type: 'stop' });
  });

  it('is told of the wanted strategy once', async () => {
    wishes.strategy = 'cost';
    await context.start(kernel);
    const comm = kernel.load();
    await settle();
    comm.push(messages.state);
    comm.push(messages.state);
    expect(kernel.heard).toEqual([{ type: 'hello' }, { type: 'set', strategy: 'cost' }]);
  });

  it('of another version is not shown', async () => {
    await context.start(kernel);
    kernel.load().push({ type: 'state', version: 99, state: {} });
    expect([link.phase, link.state]).toEqual(['foreign', null]);
  });

  it('and takes it away is waited for', async () => {
    await context.start(kernel);
    const comm = kernel.load();
    await settle();
    comm.push(messages.state);
    comm.onClose({});
    expect([link.phase, link.state]).toEqual(['waiting', null]);
    comm.push(messages.state);
    expect(link.phase).toBe('waiting');
    kernel.load().push(messages.state);
    expect(link.phase).toBe('linked');
  });
});

it('a session that was there before the page is taken as it is', async () => {
  wishes = { autoload: true, strategy: 'cost' };
  kernel.earlier = ['a'];
  await context.start(kernel);
  await settle();
  kernel.comms[0].push(messages.state);
  expect(link.phase).toBe('linked');
  expect([kernel.heard, kernel.code]).toEqual([[{ type: 'hello' }], []]);
});

describe('a restart', () => {
  it('begins anew', async () => {
    await context.start(kernel);
    kernel.load().push(messages.state);
    context.statusChanged.emit('restarting');
    expect([link.phase, link.state]).toEqual(['waiting', null]);
    wishes.strategy = 'cost';
    kernel.earlier = ['b'];
    context.statusChanged.emit('idle');
    await settle();
    kernel.comms.find(comm => comm.commId === 'b')?.push(messages.state);
    expect(link.phase).toBe('linked');
    expect(kernel.heard.at(-1)).toEqual({ type: 'set', strategy: 'cost' });
  });

  it('in which a startup file loads the package is no second link', async () => {
    await context.start(kernel);
    context.statusChanged.emit('restarting');
    const comm = kernel.load();
    context.statusChanged.emit('idle');
    await settle();
    comm.push(messages.state);
    expect(link.phase).toBe('linked');
    expect(kernel.heard).toEqual([{ type: 'hello' }]);
  });
});

it('another kernel is another session', async () => {
  await context.start(kernel);
  const comm = kernel.load();
  comm.push(messages.state);
  await context.start(new Kernel());
  expect(link.phase).toBe('waiting');
  comm.push(messages.state);
  kernel.load();
  expect(link.phase).toBe('waiting');
});

it('after a cut connection the state is asked for', async () => {
  await context.start(kernel);
  kernel.load().push(messages.state);
  await settle();
  context.connectionStatusChanged.emit('connected');
  expect(kernel.heard).toEqual([{ type: 'hello' }, { type: 'hello' }]);
});

it('a closed notebook hears nothing', async () => {
  await context.start(kernel);
  const comm = kernel.load();
  link.dispose();
  comm.push(messages.state);
  expect([link.phase, link.state]).toEqual(['none', null]);
});
