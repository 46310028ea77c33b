using CsCheck;
using DistNet.Data;
using DistNet.Losses;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;
using static DistNet.Tests.Data.DataFileMaker;

namespace DistNet.Tests.Data;

public sealed class DataLoaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_split_is_keyed_ascending_and_covers_every_sample_once() => Gen.Select(Gen.Int[2, 300], Gen.Double[0.001, 0.9], Gen.ULong).Sample((count, share, seed) =>
    {
        ByteDataset data = new(new Shape(1), new byte[count], SampleLabels.None);
        int expected = Math.Max(1, (int)Math.Floor((share * count) + 0.5));
        if (expected == count)
        {
            return;
        }

        (DataSplit train, DataSplit? validation) = DataLoader.Split(data, share, seed);
        Assert.Equal(expected, validation!.Samples.Length);
        Assert.Equal(train.Samples.ToArray().Order(), train.Samples.ToArray());
        Assert.Equal(validation.Samples.ToArray().Order(), validation.Samples.ToArray());
        Assert.Equal(Enumerable.Range(0, count), train.Samples.ToArray().Concat(validation.Samples.ToArray()).Order());
        Assert.Equal(validation.Samples.ToArray(), DataLoader.Split(data, share, seed).Validation!.Samples.ToArray());
    });

    [Fact]
    public void Another_seed_gives_another_split()
    {
        ByteDataset data = new(new Shape(1), new byte[1000], SampleLabels.None);
        Assert.NotEqual(DataLoader.Split(data, 0.2, 1).Validation!.Samples.ToArray(), DataLoader.Split(data, 0.2, 2).Validation!.Samples.ToArray());
    }

    [Fact]
    public void The_digits_are_split_and_normalised_by_the_training_part_alone()
    {
        LoadedData data = DataLoader.Load(
            new DataOptions { BaseFolder = Datasets(), Train = new("digits.csv.gz"), ValidationShare = 0.2 }, LossKind.CrossEntropy, 1, null);
        Assert.Equal(359, data.Validation!.Samples.Length);
        Assert.Equal(1438, data.Train.Samples.Length);
        Assert.Same(data.Train.Data, data.Validation.Data);
        Assert.Equal(10, data.ClassNames.Length);
        Assert.Equal(NormalizationStatistics.Of(data.Train, NormalizeMode.Feature), data.Normalization);
        Assert.NotEqual(NormalizationStatistics.Of(DataSplit.All(data.Train.Data), NormalizeMode.Feature), data.Normalization);
        Assert.Equal(0, data.Normalization!.Deviation[0]);
        Assert.Equal([7, 11, 14, 15, 22], data.Validation.Samples.ToArray()[..5]);
    }

    [Fact]
    public void Validation_and_test_files_of_their_own_keep_to_the_training_file()
    {
        Write("train.csv", "a,b,y\n1,2,u\n3,4,v\n5,6,w\n");
        Write("validation.csv", "a,b,y\n1,2,w\n");
        Write("test.csv", "1,2,v\n1,2,u\n");
        DataOptions options = new() { BaseFolder = folder.Path, Train = new("train.csv"), Validation = new("validation.csv"), Test = new("test.csv"), Label = "last", ValidationShare = 0.5 };
        LoadedData data = DataLoader.Load(options, LossKind.CrossEntropy, 1, null);
        Assert.Equal(3, data.Train.Samples.Length);
        Assert.Equal([2], data.Validation!.Data.Labels);
        Assert.Equal([1, 0], data.Test!.Data.Labels);
        Assert.Equal(["u", "v", "w"], data.Test.Data.ClassNames);
        Assert.Equal(["a", "b"], data.FeatureNames);

        Write("test.csv", "1,2,3,v\n");
        Assert.Contains("test.csv' has 3 feature columns; expected 2, as in the training data.", Error(options));
        Write("test.csv", "1,2,v\n");
        Write("validation.csv", "a,b,y\n1,2,x\n");
        Assert.Contains("validation.csv' has the label 'x' in column 'y'; expected one of the classes of the training data: 'u', 'v', 'w'.", Error(options));
    }

    [Fact]
    public void The_fingerprint_changes_with_the_content_and_not_with_the_split()
    {
        Write("train.csv", "1,2,u\n3,4,v\n");
        DataOptions options = new() { BaseFolder = folder.Path, Train = new("train.csv") };
        string one = DataLoader.Load(options, LossKind.CrossEntropy, 1, null).Fingerprint;
        Assert.Equal(one, DataLoader.Load(options with { ValidationShare = 0.5 }, LossKind.CrossEntropy, 2, null).Fingerprint);
        HashSet<string> others = [one];
        foreach (string changed in new[] { "1,2,u\n3,5,v\n", "1,2,v\n3,4,u\n", "1,2,u\n3,4,w\n", "1,2,u\n", "1,2,u\n3,4,v\n3,4,v\n", "1,2,0,u\n3,4,0,v\n", "1,2.5,u\n3,4,v\n" })
        {
            Write("train.csv", changed.Replace("1,2,u\n", "1,2,u\n1,2,v\n"));
            Assert.True(others.Add(DataLoader.Load(options, LossKind.CrossEntropy, 1, null).Fingerprint));
        }

        Write("train.csv", "1,2,u\n3,4,v\n");
        Assert.True(others.Add(DataLoader.Load(options with { Validation = new("train.csv") }, LossKind.CrossEntropy, 1, null).Fingerprint));
        Assert.True(others.Add(DataLoader.Load(options with { Test = new("train.csv") }, LossKind.CrossEntropy, 1, null).Fingerprint));
    }

    [Fact]
    public void Files_are_found_in_the_data_folder_before_the_job_s()
    {
        foreach (string name in new[] { "job/x.csv", "data/sub/x.csv", "data/x.csv" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
            File.WriteAllText(folder[name], name);
        }

        Assert.Equal(folder["job/x.csv"], DataLoader.FindFile("x.csv", folder["job"], null));
        Assert.Equal(folder["data/x.csv"], DataLoader.FindFile("x.csv", folder["job"], folder["data"]));
        Assert.Equal(folder["data/sub/x.csv"], DataLoader.FindFile("sub/x.csv", folder["job"], folder["data"]));
        Assert.Equal(folder["data/x.csv"], DataLoader.FindFile("../datasets/x.csv", folder["job"], folder["data"]));
        Assert.Equal(folder["data/x.csv"], DataLoader.FindFile("../data/x.csv", folder["job"], null));
        Assert.Equal(folder["job/x.csv"], DataLoader.FindFile("x.csv", folder["job"], folder["missing"]));
        Assert.Equal(
            $"The data file 'y.csv' does not exist; looked for '{folder["data/y.csv"]}', '{folder["job/y.csv"]}'.",
            Assert.Throws<DistNetException>(() => DataLoader.FindFile("y.csv", folder["job"], folder["data"])).Message);
    }

    [Fact]
    public void A_data_set_smaller_than_anything_works_and_an_impossible_split_is_told()
    {
        Write("train.csv", "1,2,u\n3,4,v\n");
        DataOptions options = new() { BaseFolder = folder.Path, Train = new("train.csv"), ValidationShare = 0.01 };
        LoadedData data = DataLoader.Load(options, LossKind.CrossEntropy, 1, null);
        Assert.Equal((1, 1), (data.Train.Samples.Length, data.Validation!.Samples.Length));
        Assert.EndsWith("The validation share 0.9 of 2 samples leaves no training sample; expected at least one.", Error(options with { ValidationShare = 0.9 }));
        Assert.Equal("The validation share is 1; expected at least 0 and below 1.", Error(options with { ValidationShare = 1 }));
        Assert.StartsWith("The validation share is NaN", Error(options with { ValidationShare = double.NaN }));
        Assert.Contains("'train' lack 'labels', which the format idx needs", Error(options with { Format = DataFormat.Idx, Train = new(Images: "train.csv") }));
    }

    [Fact]
    public void Images_without_normalisation_keep_their_shape()
    {
        folder.Write("i", Idx(4, 2, 3));
        folder.Write("l", Idx(8, [4], [0, 1, 0, 1]));
        DataFiles files = new(Images: "i", Labels: "l");
        LoadedData data = DataLoader.Load(
            new DataOptions { Format = DataFormat.Idx, Train = files, Test = files, Normalize = NormalizeMode.None }, LossKind.CrossEntropy, 1, folder.Path);
        Assert.Null(data.Normalization);
        Assert.Null(data.Validation);
        Assert.Equal(new Shape(2, 3), data.Train.Data.InputShape);
        Assert.Equal([0, 1, 0, 1], data.Test!.Data.Labels);
    }

    private void Write(string name, string text) => folder.Write(name, text);

    private static string Error(DataOptions options)
    {
        DistNetException error = Assert.Throws<DistNetException>(() => DataLoader.Load(options, LossKind.CrossEntropy, 1, null));
        Assert.Equal(FailureKind.BadInput, error.Kind);
        return error.Message;
    }
}
