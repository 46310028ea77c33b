using Akka.Configuration;
using Akka.Dispatch;

namespace DistNet.Protocol;

/// <summary>The executor of the control dispatcher: one thread of our own, which passes a chain of messages on without a switch and sleeps at once when there are none.</summary>
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
        private readonly object gate = new();
        private readonly Queue<IRunnable> waiting = new();
        private bool asleep;
        private bool ended;

        public OneThread(string id)
            : base(id)
        {
            new Thread(Run) { Name = id, IsBackground = true }.Start();
        }

        public override void Execute(IRunnable run)
        {
            lock (gate)
            {
                if (ended)
                {
                    throw new RejectedExecutionException();
                }

                waiting.Enqueue(run);
                Wake();
            }
        }

        public override void Shutdown()
        {
            lock (gate)
            {
                ended = true;
                Wake();
            }
        }

        private void Wake()
        {
            if (asleep)
            {
                asleep = false;
                Monitor.Pulse(gate);
            }
        }

        private void Run()
        {
            while (Next() is { } run)
            {
                run.Run();
            }
        }

        // What was accepted before the shutdown is still done.
        private IRunnable? Next()
        {
            lock (gate)
            {
                while (waiting.Count == 0 && !ended)
                {
                    asleep = true;
                    Monitor.Wait(gate);
                }

                return waiting.TryDequeue(out IRunnable? next) ? next : null;
            }
        }
    }
}
