using DistNet.Checkpoints;
using Xunit;

namespace DistNet.Tests.Checkpoints;

/// <summary>Every step of a write fails once, as in a crash (nothing is cleaned up) and as on a full disk.</summary>
public sealed class CheckpointFaultTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_crash_at_any_step_of_a_write_leaves_a_whole_checkpoint(int step)
    {
        int faults = ForEveryStep(step, () => new CrashException(), (run, store, written) =>
        {
            List<string> warnings = [];
            Checkpoint latest = store.LoadLatest(warnings.Add)!;
            Assert.Empty(warnings);
            Assert.Contains(latest.DataFingerprint, new[] { "old", "new" });

            // The next write clears away what the crash left.
            store.Write(Samples.Checkpoint(9) with { DataFingerprint = "next" });
            Assert.Equal("next", store.LoadLatest(warnings.Add)!.DataFingerprint);
            Assert.DoesNotContain(Samples.Steps(run), name => name.StartsWith('.'));
            Assert.Contains("step-0000000002", Samples.Steps(run));
        });
        Assert.True(faults > 20);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_full_disk_at_any_step_of_a_write_leaves_the_earlier_checkpoints_and_says_so(int step) =>
        ForEveryStep(step, () => new IOException("No space left on device"), (run, store, written) =>
        {
            Assert.NotNull(written);
            Assert.Equal(FailureKind.Failed, written.Kind);
            Assert.Matches($"step {step} could not be written to '.*checkpoints.step-000000000{step}': No space left on device; the checkpoints before it are intact.$", written.Message);
            Assert.DoesNotContain(Samples.Steps(run), name => name.StartsWith(".tmp"));
            List<string> warnings = [];
            Assert.Contains(store.LoadLatest(warnings.Add)!.DataFingerprint, new[] { "old", "new" });
            Assert.Empty(warnings);
        });

    [Fact]
    public void A_full_disk_at_the_very_first_checkpoint_leaves_none()
    {
        using TemporaryFolder run = new();
        CheckpointStore store = new(run.Path) { Fault = step => Throw(step == "sync state.json", () => new IOException("full")) };
        Assert.Throws<DistNetException>(() => store.Write(Samples.Checkpoint(1)));
        Assert.Empty(Samples.Steps(run));
    }

    // Writes "old" as step 2, then "new" as the given step with a fault at the first step, the second, … until a write passes.
    private static int ForEveryStep(int step, Func<Exception> error, Action<TemporaryFolder, CheckpointStore, DistNetException?> check)
    {
        for (int fault = 0; ; fault++)
        {
            using TemporaryFolder run = new();
            CheckpointStore store = new(run.Path);
            store.Write(Samples.Checkpoint(2) with { DataFingerprint = "old" });
            int count = 0;
            bool failed = false;
            store.Fault = _ => Throw(failed = count++ == fault, error);
            DistNetException? written = null;
            try
            {
                store.Write(Samples.Checkpoint(step) with { DataFingerprint = "new" });
            }
            catch (CrashException)
            {
            }
            catch (DistNetException exception)
            {
                written = exception;
            }

            store.Fault = null;
            if (count <= fault)
            {
                return fault;
            }

            check(run, store, written);
        }
    }

    private static void Throw(bool now, Func<Exception> error)
    {
        if (now)
        {
            throw error();
        }
    }

    // No error that the store handles: what a kill leaves.
    private sealed class CrashException : Exception;
}
