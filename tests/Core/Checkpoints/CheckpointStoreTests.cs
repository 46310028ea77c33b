using DistNet.Checkpoints;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder run = new();
    private readonly List<string> warnings = [];

    public void Dispose() => run.Dispose();

    [Fact]
    public void A_checkpoint_comes_back_with_every_bit()
    {
        Checkpoint written = Samples.Checkpoint(7, best: true);
        written.Parameters.Span[1] = float.NaN;
        written.Parameters.Span[2] = -0f;
        written.Parameters.Span[3] = float.NegativeInfinity;
        string folder = new CheckpointStore(run.Path).Write(written);
        Checkpoint read = CheckpointStore.Load(folder);

        Assert.Equal(run["checkpoints/step-0000000007"], folder);
        Assert.Equal(written.State, read.State);
        Assert.Equal(written.JobJson, read.JobJson);
        Assert.Equal(written.DataFingerprint, read.DataFingerprint);
        Assert.Equal(written.Model.InputShape, read.Model.InputShape);
        Assert.Equal(written.Model.ClassNames, read.Model.ClassNames);
        Assert.Equal(written.Model.FeatureNames, read.Model.FeatureNames);
        Assert.Equal(written.Model.Normalization, read.Model.Normalization);
        Assert.Equal(Samples.Layout.Entries, read.Parameters.Layout.Entries);
        Assert.Equal(["firstMoment", "secondMoment"], read.Slots.Keys.Order());
        Assert.Equal(written.Best!.Span.ToArray(), read.Best!.Span.ToArray());
        Assert.All(read.Slots.Values, slot => Assert.All(slot[Samples.Layout.Buffers[0]].ToArray(), value => Assert.Equal(0, value)));
        Assert.Equal(Digest.Parameters(written.Parameters), Digest.Parameters(read.Parameters));
        Assert.Equal(Digest.Parameters(written.Best!), Digest.Parameters(read.Best!));
        Assert.Equal(Digest.State(written), Digest.State(read));
        Assert.True(read.IsBest);
        Assert.Equal(written.Parameters.Span.ToArray().Select(BitConverter.SingleToInt32Bits), read.Parameters.Span.ToArray().Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void A_checkpoint_without_slots_best_and_normalisation_comes_back()
    {
        Checkpoint full = Samples.Checkpoint(1);
        Checkpoint small = new()
        {
            State = full.State,
            JobJson = "",
            Model = new ModelInfo(new Shape(2), [], null) { TargetWidth = 2 },
            DataFingerprint = "",
            Parameters = full.Parameters,
        };
        Checkpoint read = CheckpointStore.Load(new CheckpointStore(run.Path).Write(small));
        Assert.Empty(read.Slots);
        Assert.Null(read.Best);
        Assert.Null(read.Model.Normalization);
        Assert.Equal(2, read.Model.TargetWidth);
        Assert.Equal(Digest.State(small), Digest.State(read));
    }

    [Fact]
    public void A_folder_without_checkpoints_has_no_latest()
    {
        Assert.Null(new CheckpointStore(run.Path).LoadLatest(warnings.Add));
        Assert.Null(new CheckpointStore(run["missing"]).LoadLatest(warnings.Add));
        Assert.Empty(warnings);
        Assert.Contains("expected a run folder or a checkpoint", Assert.Throws<DistNetException>(() => CheckpointStore.Open(run.Path, warnings.Add)).Message);
    }

    [Fact]
    public void A_damaged_later_checkpoint_does_not_push_out_the_one_that_was_just_written()
    {
        CheckpointStore store = new(run.Path, keep: 1);
        string damaged = store.Write(Samples.Checkpoint(10) with { State = new() { Step = 10 } });
        File.WriteAllText(Path.Combine(damaged, "state.json"), "{");
        store.Write(Samples.Checkpoint(8) with { State = new() { Step = 8 } });
        Assert.Equal(8, store.LoadLatest(warnings.Add)!.State.Step);
        Assert.Single(warnings);
    }

    [Fact]
    public void The_latest_is_the_highest_step_by_number()
    {
        CheckpointStore store = new(run.Path, keep: 9);
        foreach (long step in new[] { 2L, 12_345_678_901L, 10L })
        {
            store.Write(Samples.Checkpoint(step) with { State = new() { Step = step } });
        }

        Assert.Equal(12_345_678_901L, store.LoadLatest(warnings.Add)!.State.Step);
        Assert.Equal(12_345_678_901L, CheckpointStore.Open(run.Path, warnings.Add).State.Step);
        Assert.Equal(10, CheckpointStore.Open(run["checkpoints/step-0000000010"], warnings.Add).State.Step);
        Assert.Empty(warnings);
    }

    [Fact]
    public void The_last_few_and_the_best_are_kept()
    {
        CheckpointStore store = new(run.Path, keep: 2);
        for (int step = 1; step <= 6; step++)
        {
            store.Write(Samples.Checkpoint(step, best: step is 1 or 3));
        }

        Assert.Equal(["step-0000000003", "step-0000000005", "step-0000000006"], Samples.Steps(run));
        store.Write(Samples.Checkpoint(7, best: true));
        store.Write(Samples.Checkpoint(8));
        store.Write(Samples.Checkpoint(9));
        Assert.Equal(["step-0000000007", "step-0000000008", "step-0000000009"], Samples.Steps(run));
    }

    [Fact]
    public void A_checkpoint_of_the_same_step_replaces_the_old_one()
    {
        CheckpointStore store = new(run.Path);
        store.Write(Samples.Checkpoint(4));
        store.Write(Samples.Checkpoint(4) with { DataFingerprint = "second" });
        Assert.Equal(["step-0000000004"], Samples.Steps(run));
        Assert.Equal("second", store.LoadLatest(warnings.Add)!.DataFingerprint);
    }

    [Fact]
    public void An_altered_byte_anywhere_is_detected()
    {
        string folder = Samples.Written(run, 3);
        foreach (string file in Directory.GetFiles(folder))
        {
            byte[] content = File.ReadAllBytes(file);
            for (int i = 0; i < content.Length; i++)
            {
                Put(file, i, (byte)(content[i] ^ (1 << (i % 8))));
                Assert.Throws<DistNetException>(() => CheckpointStore.Load(folder));
                Put(file, i, content[i]);
            }

        }

        Assert.Equal(6, Directory.GetFiles(folder).Length);
        Assert.Equal(3, CheckpointStore.Load(folder).State.Step);
    }

    [Fact]
    public void A_truncation_anywhere_is_detected()
    {
        string folder = Samples.Written(run, 3);
        foreach (string file in Directory.GetFiles(folder))
        {
            byte[] content = File.ReadAllBytes(file);
            for (int length = content.Length - 1; length >= 0; length -= length > 64 && length < content.Length - 64 ? 17 : 1)
            {
                using (FileStream cut = new(file, FileMode.Open))
                {
                    cut.SetLength(length);
                }

                Assert.Throws<DistNetException>(() => CheckpointStore.Load(folder));
            }

            File.Delete(file);
            Assert.Throws<DistNetException>(() => CheckpointStore.Load(folder));
            File.WriteAllBytes(file, [.. content, 0]);
            Assert.Throws<DistNetException>(() => CheckpointStore.Load(folder));
            File.WriteAllBytes(file, content);
        }
    }

    [Fact]
    public void A_bad_checkpoint_is_passed_over_with_a_sentence_that_names_the_file()
    {
        CheckpointStore store = new(run.Path);
        store.Write(Samples.Checkpoint(1));
        string second = store.Write(Samples.Checkpoint(2));
        string third = store.Write(Samples.Checkpoint(3));
        File.WriteAllBytes(Path.Combine(second, "parameters.safetensors"), new byte[File.ReadAllBytes(Path.Combine(second, "parameters.safetensors")).Length]);
        File.Delete(Path.Combine(third, "manifest.json"));

        Assert.Equal(1, store.LoadLatest(warnings.Add)!.State.Step);
        Assert.Collection(
            warnings,
            warning => Assert.Matches("step-0000000003' is passed over .* it has no manifest.json", warning),
            warning => Assert.Matches("step-0000000002' is passed over .*parameters.safetensors' is damaged: its SHA-256 is .*, expected ", warning));
    }

    [Fact]
    public void Another_file_in_place_of_one_is_detected()
    {
        CheckpointStore store = new(run.Path);
        string first = store.Write(Samples.Checkpoint(1));
        string second = store.Write(Samples.Checkpoint(2));
        File.Copy(Path.Combine(first, "state.json"), Path.Combine(second, "state.json"), overwrite: true);
        Assert.Contains("state.json' is damaged", Assert.Throws<DistNetException>(() => CheckpointStore.Load(second)).Message);
    }

    private static void Put(string file, int place, byte value)
    {
        using FileStream stream = new(file, FileMode.Open);
        stream.Position = place;
        stream.WriteByte(value);
    }
}
