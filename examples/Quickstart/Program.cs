// Trains a classifier of handwritten digits with the library, in this process.
//
//     dotnet run -c Release --project examples/Quickstart
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Local;
using DistNet.Training;

DataOptions files = new() { BaseFolder = AppContext.BaseDirectory, Train = new DataFiles("digits.csv.gz"), ValidationShare = 0.2 };
Job job = new()
{
    Data = files,
    Model = ModelDefinition.Chain(new Linear(128), new Relu(), new Linear(10)),
    Training = new TrainingOptions { Epochs = 30, Batch = 64 },
};

LoadedData data = DataLoader.Load(files, LossKind.CrossEntropy, job.Training.Seed, dataFolder: null);
Progress<TrainingProgress> progress = new(report => Console.WriteLine($"epoch {report.Epoch}, step {report.Step}: loss {report.Loss:F4}"));
RunResult result = await LocalTrainer.TrainAsync(job, data, new LocalOptions { Workers = 2 }, progress, CancellationToken.None);

Console.WriteLine($"validation accuracy {result.ValidationAccuracy:F3} after {result.Steps} steps");
Console.WriteLine($"digest {result.ParametersSha256}: the same for any number of workers");
return result.ValidationAccuracy >= 0.97 ? 0 : 1;
