using Akka.Configuration;
using Akka.Dispatch;
using DistNet.Kernels;

namespace DistNet.Protocol;

/// <summary>The executor of the control dispatcher: one thread of our own, which passes a chain of messages on without a switch and sleeps at once when there are none. A thread that brings a message, a compute thread or the reader of a connection, runs
/// the chain itself (<see cref="Helper"/>).</summary>
/// <remarks>Akka's own pools let an idle thread yield some dozens of times before it sleeps: with a computation on every core each yield is a switch, thousands a
/// second, and the computation loses its core each time.</remarks>
/// <param name="config">The dispatcher's configuration.</param>
/// <param name="prerequisites">Akka's.</param>
public sealed class ControlExecutor(Config config, IDispatcherPrerequisites prerequisites) : ExecutorServiceConfigurator(config, prerequisites)
{
    /// <inheritdoc/>
    public override ExecutorService Produce(string id) => new OneThread(id);

    private sealed class OneThread : ExecutorService
    {
        private readonly SleepingQueue<IRunnable> waiting = new(new Doorbell(), run => run.Run());

        public OneThread(string id)
            : base(id)
        {
            new Thread(Run) { Name = id, IsBackground = true }.Start();
        }

        public override void Execute(IRunnable run)
        {
            if (!waiting.TryAdd(run))
            {
                throw new RejectedExecutionException();
            }
        }

        // What was accepted before is still done.
        public override void Shutdown() => waiting.Close(drop: false);

        private void Run()
        {
            while (waiting.TryTake(out IRunnable? run))
            {
                run.Run();
            }
        }
    }
}
