import { ISessionContext } from '@jupyterlab/apputils';
import { Kernel, KernelMessage } from '@jupyterlab/services';
import { JSONObject } from '@lumino/coreutils';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Command, IState, Push, VERSION, readPush } from './messages';

/** The kernel opens it when the package is loaded, and pushes on it. */
const STATE = 'orch_nb.state';
/** This side opens it; a target of its own has a subshell, which answers while a cell runs. */
const COMMAND = 'orch_nb.command';

/** Loads the package where it is installed, and says nothing where it is not. */
const LOAD =
  "get_ipython().run_line_magic('load_ext', 'orch_nb') " +
  "if __import__('importlib.util').util.find_spec('orch_nb') else None";

/**
 * How far the link is: no kernel, a kernel without the package, one that is heard, or one whose
 * package speaks another version.
 */
export type Phase = 'none' | 'waiting' | 'linked' | 'foreign';

/** The wishes of the user's settings. */
export interface IWishes {
  autoload: boolean;
  /** of a kernel whose session is new; empty: its own */
  strategy: string;
}

/**
 * One notebook's link to the package in its kernel.
 *
 * It survives restarts, other kernels and reloads of the page, and is quiet about kernels without
 * the package. A kernel of another language never hears of it but for a question about comms.
 */
export class KernelLink implements IDisposable {
  constructor(
    private readonly context: ISessionContext,
    private readonly wishes: () => IWishes
  ) {
    context.kernelChanged.connect(this.onKernel, this);
    context.statusChanged.connect(this.onStatus, this);
    context.connectionStatusChanged.connect(this.onConnection, this);
    void context.ready.then(() => this.onKernel());
  }

  /** Emits what a kernel pushes, and null when the link itself has changed. */
  get pushed(): ISignal<this, Push | null> {
    return this._pushed;
  }

  get phase(): Phase {
    return this._phase;
  }

  get state(): IState | null {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Ask the kernel for something; nobody is asked where nobody listens. */
  send(command: Command): void {
    if (this.command && !this.command.isDisposed) {
      this.command.send(command as unknown as JSONObject);
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.reset('none');
      Signal.clearData(this);
    }
  }

  private onKernel(): void {
    const kernel = this.context.session?.kernel ?? null;
    if (kernel !== this.kernel && !this._disposed) {
      this.kernel = kernel;
      this.restarting = false;
      this.connect(false);
    }
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this.restarting = true;
      this.reset('waiting');
    } else if (status === 'dead') {
      this.restarting = true;
      this.reset('none');
    } else if (status === 'idle' && this.restarting) {
      this.restarting = false;
      if (!this.isHeard) {
        this.connect(true);
      } // else a startup file has loaded the package already
    }
  }

  /** Whatever was pushed while the network was gone was missed. */
  private onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      this.send({ type: 'hello' });
    }
  }

  private connect(isNew: boolean): void {
    this.reset(this.kernel ? 'waiting' : 'none');
    if (this.kernel?.handleComms) {
      this.find(this.kernel, isNew).catch((error: unknown) => {
        // a kernel that went away in the meantime; the next one is another
        console.debug('orch_nb: no link', error);
      });
    }
  }

  /** Find the package in a kernel, now or whenever it is loaded. */
  private async find(kernel: Kernel.IKernelConnection, isNew: boolean): Promise<void> {
    const turn = this.turn;
    kernel.registerCommTarget(STATE, (comm, message) => {
      if (kernel === this.kernel) {
        this.adopt(kernel, comm, true);
        this.onData(message.content.data);
      }
    });
    const info = await kernel.info;
    // loaded before us, by a startup file or before the page was reloaded
    const reply = await kernel.requestCommInfo({ target_name: STATE });
    if (turn !== this.turn || this._phase !== 'waiting') {
      return;
    }
    const id = reply.content.status === 'ok' ? Object.keys(reply.content.comms).pop() : undefined;
    if (id !== undefined && !kernel.hasComm(id)) {
      this.adopt(kernel, kernel.createComm(STATE, id), isNew);
    } else if (info.language_info.name === 'python' && this.wishes().autoload) {
      kernel.requestExecute({
        code: LOAD,
        silent: true,
        store_history: false,
        stop_on_error: false
      });
    }
  }

  private adopt(kernel: Kernel.IKernelConnection, comm: Kernel.IComm, isNew: boolean): void {
    this.drop();
    const turn = this.turn;
    this.isHeard = true;
    this.greeting = isNew;
    comm.onMsg = (message: KernelMessage.ICommMsgMsg) => {
      if (turn === this.turn) {
        this.onData(message.content.data);
      }
    };
    comm.onClose = () => {
      if (turn === this.turn) {
        this.drop(); // the package was unloaded
      }
    };
    this.open(kernel, turn).catch((error: unknown) => {
      console.warn('orch_nb: the kernel takes no commands', error);
    });
  }

  private async open(kernel: Kernel.IKernelConnection, turn: number): Promise<void> {
    const command = kernel.createComm(COMMAND);
    if (kernel.supportsSubshells && String(kernel.commsOverSubshells) !== 'disabled') {
      // public in the class, missing from the interface
      await (command as { subshellStarted?: Promise<void> }).subshellStarted;
    }
    if (turn !== this.turn) {
      command.dispose();
      return;
    }
    command.open({ type: 'hello' });
    this.command = command;
    this.greet();
  }

  /** A session that is new gets the user's own strategy, once. */
  private greet(): void {
    if (this.greeting && this.command && this._state) {
      this.greeting = false;
      const { strategy } = this.wishes();
      if (strategy && strategy !== this._state.strategy) {
        this.send({ type: 'set', strategy });
      }
    }
  }

  private onData(data: unknown): void {
    const push = readPush(data);
    if (push === null) {
      return;
    }
    if (push.type === 'state') {
      const isOurs = push.version === VERSION;
      this._phase = isOurs ? 'linked' : 'foreign';
      this._state = isOurs ? push.state : null;
      this.greet();
    }
    this._pushed.emit(push);
  }

  /** The same kernel without the package, or with it loaded again: its subshell may go. */
  private drop(): void {
    const { command } = this;
    this.reset('waiting');
    command?.dispose();
  }

  /** Forget what was heard, and whoever was asked for something in the meantime. */
  private reset(phase: Phase): void {
    this.turn += 1;
    this.isHeard = false;
    this.command = null;
    this._state = null;
    this._phase = phase;
    this._pushed.emit(null);
  }

  private kernel: Kernel.IKernelConnection | null = null;
  private command: Kernel.IComm | null = null;
  private restarting = false;
  /** Whether the kernel's comm is ours. */
  private isHeard = false;
  private greeting = false;
  /** Counts resets, so that what was under way at one is known to be late. */
  private turn = 0;
  private _phase: Phase = 'none';
  private _state: IState | null = null;
  private _disposed = false;
  private readonly _pushed = new Signal<this, Push | null>(this);
}
