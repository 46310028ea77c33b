using System.Runtime.InteropServices;
using Akka.Actor;
using DistNet.Protocol;
using DistNet.Runs;

namespace DistNet.Coordinator;

/// <summary>What the numeric side did, as a message to the coordinator.</summary>
/// <param name="Input">The machine's input.</param>
/// <param name="Parameters">The parameters now.</param>
internal sealed record NumericDone(RunInput Input, ParameterHandle Parameters) : INoSerializationVerificationNeeded;

/// <summary>The run's numeric side on its one thread: takes what the machine asks for, answers each with one message.</summary>
internal sealed class NumericThread(ITrainingRun run, ICoordinatorPlane plane, IActorRef coordinator)
{
    private readonly DedicatedThread thread = new("distnet-coordinator");
    private long published;

    public void Begin() => Post(() => new RunInput.Begin());

    public void CompleteStep(long step, List<ShardNode> nodes) => Post(() =>
    {
        try
        {
            return new RunInput.StepCompleted(run.CompleteStep(step, CollectionsMarshal.AsSpan(nodes)));
        }
        finally
        {
            Leases.Return(nodes);
        }
    });

    public void SkipStep(long step, string finding) => Post(() => new RunInput.StepCompleted(run.SkipStep(step, finding)));

    public void CompleteValidation(List<ShardNode> nodes) => Post(() => new RunInput.ValidationCompleted(run.CompleteValidation(CollectionsMarshal.AsSpan(nodes))));

    public void CompleteTest(List<ShardNode> nodes) => Post(() => new RunInput.TestCompleted(run.CompleteTest(CollectionsMarshal.AsSpan(nodes))));

    public void WriteCheckpoint(string reason) => Post(() => new RunInput.CheckpointWritten(run.WriteCheckpoint(reason)));

    public void EndTraining() => Post(() =>
    {
        run.EndTraining();
        return new RunInput.TrainingEnded();
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
                run.Dispose();
            }
        }
        catch (Exception thrown) when (thrown is not OutOfMemoryException)
        {
            failure = thrown;
        }

        disposed(failure);
    });

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

    private void Post(Func<RunInput> work) => thread.Post(() =>
    {
        RunInput input;
        try
        {
            input = work();
            Publish();
        }
        catch (DistNetException expected)
        {
            input = new RunInput.NumericFailed(expected.Message, expected);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            input = new RunInput.NumericFailed($"The run stopped on an error of its own ({bug.GetType().Name}: {bug.Message}).", bug);
        }

        coordinator.Tell(new NumericDone(input, run.Parameters));
    });
}
