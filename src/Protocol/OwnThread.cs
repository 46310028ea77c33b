namespace DistNet.Protocol;

/// <summary>Runs one long piece of work on a thread of its own, so that hashing and decoding never take a thread of the pool from heartbeats and sockets.</summary>
public static class OwnThread
{
    /// <summary>Starts the work.</summary>
    /// <typeparam name="T">What it comes to.</typeparam>
    /// <param name="name">The thread's name, for debuggers and thread dumps.</param>
    /// <param name="work">The work; what it throws, the task throws.</param>
    public static Task<T> Run<T>(string name, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Finish(work, done)) { Name = name, IsBackground = true };
        thread.Start();
        return done.Task;
    }

    private static void Finish<T>(Func<T> work, TaskCompletionSource<T> done)
    {
        try
        {
            done.SetResult(work());
        }
        catch (OperationCanceledException exception)
        {
            done.SetCanceled(exception.CancellationToken);
        }
#pragma warning disable CA1031 // Whatever it is, the one who awaits the task must see it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            done.SetException(exception);
        }
    }
}
