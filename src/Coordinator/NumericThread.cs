using System.Runtime.InteropServices;
using Akka.Actor;
using DistNet.Kernels;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>What the numeric side did, as a message to the coordinator.</summary>
/// <param name="Input">The machine's input.</param>
/// <param name="Parameters">The parameters now.</param>
internal sealed record NumericDone(RunInput Input, ParameterHandle Parameters) : INoSerializationVerificationNeeded;

/// <summary>The run's numeric side, on its one thread or, for what takes no longer than a step's sum and update, on the one that brought the answer (<see cref="Helper"/>), one piece of work at a time: takes what the machine asks for, answers each with one message.</summary>
internal sealed class NumericThread(ITrainingRun run, ICoordinatorPlane plane, IActorRef coordinator)
{
    private readonly DedicatedThread thread = new("distnet-coordinator");
    private readonly StepSum sum = new(run);
    private long published;

    public void Begin() => Post(() => new RunInput.Begin());

    /// <summary>Hands in the nodes of an accepted answer; see <see cref="StepSum"/>.</summary>
    /// <returns>Whether there is something to merge.</returns>
    public bool Accept(List<ShardNode> nodes, int sliceCount) => sum.Accept(nodes, sliceCount);

    /// <summary>Merges what was handed in, until there is something better to do.</summary>
    public void MergeEarly() => thread.Post(() =>
    {
        try
        {
            SubnormalMode.AssertKept();
            sum.Absorb();
            while (!thread.IsAwaited && sum.MergeNext())
            {
            }
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            Report(FailureOf(bug));
        }
    }, isHelped: true);

    /// <summary>What was handed in is not needed: its leases are returned.</summary>
    public void Abandon()
    {
        sum.Abandon();
        thread.Post(sum.Absorb);
    }

    public void CompleteStep(long step) => Complete(nodes => new RunInput.StepCompleted(run.CompleteStep(step, CollectionsMarshal.AsSpan(nodes))), isHelped: true);

    public void SkipStep(long step, string finding) => Post(() => new RunInput.StepCompleted(run.SkipStep(step, finding)));

    public void CompleteValidation() => Complete(nodes => new RunInput.ValidationCompleted(run.CompleteValidation(CollectionsMarshal.AsSpan(nodes))));

    public void WriteCheckpoint(string reason) => Post(() => new RunInput.CheckpointWritten(run.WriteCheckpoint(reason)));

    public void EndTraining() => Post(() =>
    {
        run.EndTraining();
        return new RunInput.TrainingEnded();
    });

    /// <summary>Looks whether the run folder is still this coordinator's; answered only where it is not.</summary>
    public void VerifyFolder() => thread.Post(() =>
    {
        try
        {
            run.VerifyFolder();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Report(FailureOf(failure));
        }
    });

    public void Finish(RunOutcome outcome) => Post(() =>
    {
        run.Finish(outcome);
        return new RunInput.RunFinished();
    });

    /// <summary>Disposes the run after the work under way, then calls back; does not wait.</summary>
    /// <param name="unfinished">How the run ended, where <see cref="Finish"/> was not called: then it is, first.</param>
    /// <param name="disposed">Called on the thread, with what was thrown or null.</param>
    public void End(RunOutcome? unfinished, Action<Exception?> disposed) => thread.End(() =>
    {
        Exception? failure = null;
        try
        {
            try
            {
                if (unfinished is not null)
                {
                    run.Finish(unfinished);
                }
            }
            finally
            {
                Leases.Return(sum.TakeAll());
                run.Dispose();
            }
        }
        catch (Exception thrown) when (thrown is not OutOfMemoryException)
        {
            failure = thrown;
        }

        disposed(failure);
    });

    private void Complete(Func<List<ShardNode>, RunInput> complete, bool isHelped = false)
    {
        sum.Complete();
        Post(() =>
        {
            List<ShardNode> nodes = sum.Take();
            try
            {
                return complete(nodes);
            }
            finally
            {
                Leases.Return(nodes);
            }
        }, isHelped);
    }

    // Before the coordinator hears of it, and so before any shard that is computed with it.
    private void Publish()
    {
        ParameterHandle parameters = run.Parameters;
        if (parameters.Version != published)
        {
            plane.Publish(parameters);
            published = parameters.Version;
        }
    }

    private void Post(Func<RunInput> work, bool isHelped = false) => thread.Post(() =>
    {
        RunInput input;
        try
        {
            SubnormalMode.AssertKept();
            input = work();
            Publish();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            input = FailureOf(failure);
        }

        Report(input);
    }, isHelped);

    private static RunInput.NumericFailed FailureOf(Exception failure) => failure is DistNetException expected
        ? new RunInput.NumericFailed(expected.Message, expected)
        : new RunInput.NumericFailed(SentenceOfBug(failure), failure);

    /// <summary>What the user is told of an exception that nobody expected.</summary>
    public static string SentenceOfBug(Exception bug) => $"The run stopped on an error of its own ({bug.GetType().Name}: {bug.Message}).";

    private void Report(RunInput input) => coordinator.Tell(new NumericDone(input, run.Parameters));
}
