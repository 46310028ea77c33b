using CsCheck;
using DistNet.Checkpoints;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class TrainingStateJsonTests
{
    [Fact]
    public void Every_training_state_comes_back_from_JSON_with_every_bit()
    {
        Checkpoint checkpoint = Samples.Checkpoint(1);
        Samples.States.Sample(
            state =>
            {
                using TemporaryFolder folder = new();
                CheckpointFiles.Write(folder.Path, checkpoint with { State = state }, null);
                TrainingState read = CheckpointStore.Load(folder.Path).State;
                Assert.Equal(Doubles(state), Doubles(read));
                Assert.Equal(state, read);
            },
            iter: 30);
    }

    [Fact]
    public void A_state_with_an_unknown_or_a_missing_key_is_refused()
    {
        using TemporaryFolder folder = new();
        CheckpointFiles.Write(folder.Path, Samples.Checkpoint(1), null);
        string json = File.ReadAllText(folder["state.json"]);
        ManifestJson manifest = CheckpointManifest.Read(folder.Path);
        foreach (string wrong in new[] { json.Replace("\"plateauFactor\"", "\"plateauFaktor\""), json.Replace("\"job\"", "\"jobb\""), "{}", "null", "", "[1" })
        {
            folder.Write("state.json", wrong);
            Assert.Contains("state.json", Assert.Throws<DistNetException>(() => CheckpointFiles.Read(folder.Path, manifest)).Message);
        }
    }

    // Compared as bits: record equality takes -0 for 0.
    private static IEnumerable<long> Doubles(TrainingState state) =>
        typeof(TrainingState).GetProperties().Where(field => field.PropertyType == typeof(double)).Select(field => (double)field.GetValue(state)!)
            .Concat([state.EpochSums.Loss, state.EpochSums.Weight])
            .Select(value => double.IsNaN(value) ? long.MaxValue : BitConverter.DoubleToInt64Bits(value));
}
